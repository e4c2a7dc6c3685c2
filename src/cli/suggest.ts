/** What somebody may have meant. */

/** The word nearest to a mistyped one, or null when none is near. */
export function nearest(word: string, words: readonly string[]): string | null {
  const wanted = word.toLowerCase();
  if (wanted === "") return null;
  let best: string | null = null;
  // One mistake in a short word, two in longer ones.
  let bestDistance = wanted.length <= 3 ? 1.5 : 2.5;
  for (const candidate of words) {
    const other = candidate.toLowerCase();
    const begins = wanted.length >= 2 && (other.startsWith(wanted) || wanted.startsWith(other));
    const distance = begins ? 0.5 : editDistance(wanted, other);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Letters to insert, remove, replace or swap with their neighbour. */
export function editDistance(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const current = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      let cost = Math.min(
        previous[j]! + 1,
        current[j - 1]! + 1,
        previous[j - 1]! + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      if (swapped) cost = Math.min(cost, beforePrevious[j - 2]! + 1);
      current.push(cost);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[to.length]!;
}

/** The two ways of the web to consume: async iterators and readable streams. */

/** Who pulls now. */
export interface Consumer {
  readonly name: string;
  ended: boolean;
}

/** What a capture lets one consumer do. */
export interface PullSource<Frame> {
  /** Throws when there is another consumer. */
  begin(): Consumer;
  /** Null: nothing will come. */
  pull(consumer: Consumer): Promise<Frame | null>;
  end(consumer: Consumer): void;
}

/** Becomes the consumer at its first step. Steps asked for together are answered in order. */
export function asyncIteratorOver<Frame>(
  source: PullSource<Frame>,
): AsyncIterableIterator<Frame> & AsyncDisposable {
  let consumer: Consumer | null = null;
  let finished = false;
  let previous: Promise<unknown> = Promise.resolve();

  const finish = () => {
    finished = true;
    if (consumer !== null) source.end(consumer);
  };
  const step = async (): Promise<IteratorResult<Frame, undefined>> => {
    if (finished) return { done: true, value: undefined };
    try {
      consumer ??= source.begin();
      const frame = await source.pull(consumer);
      if (frame !== null) return { done: false, value: frame };
    } catch (error) {
      finish();
      throw error;
    }
    finish();
    return { done: true, value: undefined };
  };
  return {
    next() {
      const result = previous.then(step, step);
      previous = result;
      return result;
    },
    return() {
      finish();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    [Symbol.asyncDispose]() {
      finish();
      return Promise.resolve();
    },
  };
}

/** Asks for a frame when somebody reads, and not before. `onEnd`: nothing more will come of it. */
export function readableOver<Frame extends { close(): void }>(
  source: PullSource<Frame>,
  onEnd: () => void,
): ReadableStream<Frame> {
  let consumer: Consumer | null = null;
  let cancelled = false;
  const end = () => {
    onEnd();
    if (consumer !== null) source.end(consumer);
  };
  return new ReadableStream<Frame>({
    async pull(controller) {
      try {
        consumer ??= source.begin();
        const frame = await source.pull(consumer);
        if (frame !== null) {
          // Cancelled while it was on its way: nobody else can close it.
          return cancelled ? frame.close() : controller.enqueue(frame);
        }
      } catch (error) {
        end();
        throw error;
      }
      end();
      // Cancelled meanwhile: it is closed already.
      if (!cancelled) controller.close();
    },
    cancel() {
      cancelled = true;
      end();
    },
  }, { highWaterMark: 0 });
}

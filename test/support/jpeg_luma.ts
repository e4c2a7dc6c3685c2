// How bright each block of 8 × 8 pixels of a JPEG picture is: enough to read what is painted in large
// cells, and small enough to be believed. Baseline Huffman coding (ITU-T T.81), any sampling.

/** Mean luma of each block, row by row. */
export interface LumaBlocks {
  /** Pixels of the picture. */
  readonly width: number;
  readonly height: number;
  /** Blocks a row, those of the padding included. */
  readonly blocksAcross: number;
  /** 0 to 255. */
  readonly means: Uint8Array;
}

interface HuffmanTable {
  /** How many codes of 1 to 16 bits there are. */
  readonly lengths: readonly number[];
  readonly values: readonly number[];
}

interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
  readonly quantisation: number;
  dc: number;
  ac: number;
  predicted: number;
}

interface Picture {
  width: number;
  height: number;
  components: Component[];
  restartInterval: number;
  /** The first value of each quantisation table. */
  readonly quanta: Map<number, number>;
  /** By class × 16 + number. */
  readonly tables: Map<number, HuffmanTable>;
}

/** Throws for anything but a baseline JPEG picture. */
export function readLumaBlocks(file: Uint8Array): LumaBlocks {
  const picture: Picture = {
    width: 0,
    height: 0,
    components: [],
    restartInterval: 0,
    quanta: new Map(),
    tables: new Map(),
  };
  if (byteAt(file, 0) !== 0xff || byteAt(file, 1) !== 0xd8) throw new Error("not a JPEG picture");
  let position = 2;
  for (;;) {
    if (byteAt(file, position) !== 0xff) throw new Error(`no marker at byte ${position}`);
    const marker = byteAt(file, position + 1);
    const length = wordAt(file, position + 2);
    const segment = file.subarray(position + 4, position + 2 + length);
    position += 2 + length;
    readSegment(picture, marker, segment);
    if (marker === 0xda) return readScan(picture, file.subarray(position));
  }
}

function byteAt(bytes: Uint8Array, position: number): number {
  const byte = bytes[position];
  if (byte === undefined) throw new Error("the JPEG picture ends too early");
  return byte;
}

function wordAt(bytes: Uint8Array, position: number): number {
  return byteAt(bytes, position) * 256 + byteAt(bytes, position + 1);
}

function readSegment(picture: Picture, marker: number, segment: Uint8Array): void {
  switch (marker) {
    case 0xc0:
    case 0xc1:
      return readFrameHeader(picture, segment);
    case 0xc4:
      return readHuffmanTables(picture, segment);
    case 0xda:
      return readScanHeader(picture, segment);
    case 0xdb:
      return readQuantisationTables(picture, segment);
    case 0xdd:
      picture.restartInterval = wordAt(segment, 0);
      return;
    case 0xc2:
      throw new Error("a progressive JPEG picture");
  }
}

function readFrameHeader(picture: Picture, segment: Uint8Array): void {
  picture.height = wordAt(segment, 1);
  picture.width = wordAt(segment, 3);
  const count = byteAt(segment, 5);
  for (let i = 0; i < count; i++) {
    const sampling = byteAt(segment, 7 + 3 * i);
    picture.components.push({
      id: byteAt(segment, 6 + 3 * i),
      across: sampling >> 4,
      down: sampling & 15,
      quantisation: byteAt(segment, 8 + 3 * i),
      dc: 0,
      ac: 0,
      predicted: 0,
    });
  }
}

function readQuantisationTables(picture: Picture, segment: Uint8Array): void {
  for (let position = 0; position < segment.length;) {
    const head = byteAt(segment, position);
    const isWide = head >> 4 !== 0;
    picture.quanta.set(
      head & 15,
      isWide ? wordAt(segment, position + 1) : byteAt(segment, position + 1),
    );
    position += isWide ? 129 : 65;
  }
}

function readHuffmanTables(picture: Picture, segment: Uint8Array): void {
  for (let position = 0; position < segment.length;) {
    const lengths = [...segment.subarray(position + 1, position + 17)];
    const total = lengths.reduce((sum, count) => sum + count, 0);
    const values = [...segment.subarray(position + 17, position + 17 + total)];
    picture.tables.set(byteAt(segment, position), { lengths, values });
    position += 17 + total;
  }
}

function readScanHeader(picture: Picture, segment: Uint8Array): void {
  const count = byteAt(segment, 0);
  for (let i = 0; i < count; i++) {
    const id = byteAt(segment, 1 + 2 * i);
    const tables = byteAt(segment, 2 + 2 * i);
    const component = picture.components.find((candidate) => candidate.id === id);
    if (component === undefined) throw new Error(`a scan of an unknown component ${id}`);
    component.dc = tables >> 4;
    component.ac = 16 + (tables & 15);
  }
}

/** The bits of a scan, without the zeros that are stuffed after 0xFF. */
class BitReader {
  readonly #bytes: Uint8Array;
  #position = 0;
  #bits = 0;
  #count = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  bit(): number {
    if (this.#count === 0) {
      this.#bits = byteAt(this.#bytes, this.#position++);
      if (this.#bits === 0xff && byteAt(this.#bytes, this.#position++) !== 0) {
        throw new Error("a marker where data should be");
      }
      this.#count = 8;
    }
    return (this.#bits >> --this.#count) & 1;
  }

  symbol(table: HuffmanTable): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (const count of table.lengths) {
      code = code * 2 + this.bit();
      if (code - first < count) return table.values[index + code - first] ?? 0;
      index += count;
      first = (first + count) * 2;
    }
    throw new Error("a code that is in no table");
  }

  /** A number of that many bits; those that begin with 0 are negative. */
  value(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) value = value * 2 + this.bit();
    return bits > 0 && value < 2 ** (bits - 1) ? value - 2 ** bits + 1 : value;
  }

  /** Skips to the end of the byte and over the marker that must follow. */
  restart(): void {
    this.#count = 0;
    const marker = wordAt(this.#bytes, this.#position);
    if (marker < 0xffd0 || marker > 0xffd7) throw new Error("a restart marker is missing");
    this.#position += 2;
  }
}

function tableOf(picture: Picture, key: number): HuffmanTable {
  const table = picture.tables.get(key);
  if (table === undefined) throw new Error(`no Huffman table ${key}`);
  return table;
}

/** The mean of the next block; what else it says is skipped. */
function readBlock(picture: Picture, component: Component, bits: BitReader): number {
  component.predicted += bits.value(bits.symbol(tableOf(picture, component.dc)));
  const table = tableOf(picture, component.ac);
  for (let i = 1; i < 64; i++) {
    const symbol = bits.symbol(table);
    if (symbol === 0) break;
    bits.value(symbol & 15);
    i += symbol >> 4;
  }
  const quantum = picture.quanta.get(component.quantisation) ?? 1;
  return Math.max(0, Math.min(255, Math.round((component.predicted * quantum) / 8 + 128)));
}

function readScan(picture: Picture, data: Uint8Array): LumaBlocks {
  const luma = picture.components[0];
  if (luma === undefined) throw new Error("a JPEG picture without components");
  const largestAcross = Math.max(...picture.components.map(({ across }) => across));
  const largestDown = Math.max(...picture.components.map(({ down }) => down));
  if (luma.across !== largestAcross || luma.down !== largestDown) {
    throw new Error("luma of less than full size");
  }
  const mcusAcross = Math.ceil(picture.width / (8 * largestAcross));
  const mcusDown = Math.ceil(picture.height / (8 * largestDown));
  const blocksAcross = mcusAcross * luma.across;
  const means = new Uint8Array(blocksAcross * mcusDown * luma.down);
  const bits = new BitReader(data);
  for (let mcu = 0; mcu < mcusAcross * mcusDown; mcu++) {
    if (picture.restartInterval > 0 && mcu > 0 && mcu % picture.restartInterval === 0) {
      bits.restart();
      for (const component of picture.components) component.predicted = 0;
    }
    const left = (mcu % mcusAcross) * luma.across;
    const top = Math.floor(mcu / mcusAcross) * luma.down;
    for (const component of picture.components) {
      for (let i = 0; i < component.across * component.down; i++) {
        const mean = readBlock(picture, component, bits);
        if (component === luma) {
          const row = top + Math.floor(i / luma.across);
          means[row * blocksAcross + left + (i % luma.across)] = mean;
        }
      }
    }
  }
  return { width: picture.width, height: picture.height, blocksAcross, means };
}

import { Chain, type Link } from '../chain.ts';
import { type HeapNode, LeastHeap } from './least-heap.ts';

/** How much may wait. */
export interface RoomBounds {
  readonly requestsPerStudent: number;
  readonly requestsPerClass: number;
  /** Of request bodies that are held meanwhile. */
  readonly bytesPerStudent: number;
  readonly bytesPerClass: number;
}

/** Something that waits. Only its room changes it. */
export interface Place<T> {
  readonly item: T;
  readonly bytes: number;
  readonly arrivedMs: number;
  readonly line: Line<T>;
  /** Both are undefined once it no longer waits. */
  inLine: Link<Place<T>> | undefined;
  inRoom: Link<Place<T>> | undefined;
}

/** What waits of one student, in the order in which it came. Only its room changes it. */
export class Line<T> {
  readonly student: string;
  readonly places = new Chain<Place<T>>();
  bytes = 0;
  /** In the heaps by what each student holds, the most first; undefined while nothing waits. */
  byRequests: HeapNode<Line<T>> | undefined;
  byBytes: HeapNode<Line<T>> | undefined;

  constructor(student: string) {
    this.student = student;
  }
}

/** Which bound was passed, for the message. */
export type Passed = { readonly bound: keyof RoomBounds; readonly limit: number };

/**
 * The requests of one class that wait: a line for each student, and bounds.
 *
 * What comes in is let in first; then {@link WaitingRoom.overflow} says who has to go. When a student holds more than one
 * student may, it is their newest. When the class holds more than a class may, it is the newest of the student who
 * holds most (of requests or bytes, whichever is too much), and among equals of the one who came last: so nobody can
 * fill the queue for the others.
 */
export class WaitingRoom<T> {
  readonly #bounds: RoomBounds;
  readonly #arrivals = new Chain<Place<T>>();
  readonly #byRequests = new LeastHeap<Line<T>>();
  readonly #byBytes = new LeastHeap<Line<T>>();
  #bytes = 0;

  constructor(bounds: RoomBounds) {
    this.#bounds = bounds;
  }

  /** Requests that wait. */
  get size(): number {
    return this.#arrivals.length;
  }

  /** Students who have something waiting. */
  get students(): number {
    return this.#byRequests.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The one that waits longest of all. */
  get oldest(): Place<T> | undefined {
    return this.#arrivals.first;
  }

  /** The newest of the student who holds most bytes. */
  get largest(): Place<T> | undefined {
    return this.#byBytes.least?.item.places.last;
  }

  /** @param line of this room alone */
  add(line: Line<T>, item: T, bytes: number, nowMs: number): Place<T> {
    const place: Place<T> = { item, bytes, arrivedMs: nowMs, line, inLine: undefined, inRoom: undefined };
    place.inLine = line.places.append(place);
    place.inRoom = this.#arrivals.append(place);
    this.#count(line, bytes);
    return place;
  }

  /** @returns false for one that no longer waits */
  remove(place: Place<T>): boolean {
    const { line, inLine, inRoom } = place;
    if (inLine === undefined || inRoom === undefined) return false;
    line.places.remove(inLine);
    this.#arrivals.remove(inRoom);
    place.inLine = undefined;
    place.inRoom = undefined;
    this.#count(line, -place.bytes);
    return true;
  }

  /** Who has to go after this one came in, and why; undefined when all have room. Ask again after each removal. */
  overflow(arrived: Place<T>): { readonly place: Place<T>; readonly passed: Passed } | undefined {
    const bounds = this.#bounds;
    const { line } = arrived;
    if (line.places.length > bounds.requestsPerStudent) return newestOf(line, bounds, 'requestsPerStudent');
    if (line.bytes > bounds.bytesPerStudent) return newestOf(line, bounds, 'bytesPerStudent');
    if (this.size > bounds.requestsPerClass) {
      const most = this.#byRequests.least?.item ?? line;
      const greedy = line.places.length >= most.places.length ? line : most;
      return newestOf(greedy, bounds, 'requestsPerClass');
    }
    if (this.#bytes > bounds.bytesPerClass) {
      const most = this.#byBytes.least?.item ?? line;
      return newestOf(line.bytes >= most.bytes ? line : most, bounds, 'bytesPerClass');
    }
    return undefined;
  }

  #count(line: Line<T>, bytes: number): void {
    line.bytes += bytes;
    this.#bytes += bytes;
    line.byRequests = moved(this.#byRequests, line, line.byRequests, -line.places.length);
    line.byBytes = moved(this.#byBytes, line, line.byBytes, -line.bytes);
  }
}

/** A line is in the heaps while something waits in it. */
function moved<T>(
  heap: LeastHeap<Line<T>>,
  line: Line<T>,
  node: HeapNode<Line<T>> | undefined,
  key: number,
): HeapNode<Line<T>> | undefined {
  if (node === undefined) return heap.add(line, key);
  if (line.places.length > 0) {
    heap.move(node, key);
    return node;
  }
  heap.remove(node);
  return undefined;
}

function newestOf<T>(line: Line<T>, bounds: RoomBounds, bound: keyof RoomBounds) {
  const place = line.places.last;
  return place === undefined ? undefined : { place, passed: { bound, limit: bounds[bound] } };
}

/** What happens next: entries come out by time, and in the order they went in where times are equal (a binary heap). */
export class Queue<T> {
  readonly #heap: { time: number; order: number; entry: T }[] = [];
  #order = 0;

  /** The time of the first entry, Infinity if there is none. */
  get time(): number {
    return this.#heap[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  add(time: number, entry: T): void {
    const heap = this.#heap;
    const node = { time, order: this.#order++, entry };
    let at = heap.push(node) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** @throws RangeError if the queue is empty */
  take(): T {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last) throw new RangeError('The queue is empty');
    if (heap.length > 0) {
      heap[0] = last;
      this.#sink();
    }
    return first.entry;
  }

  #sink(): void {
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#before(child, least)) least = child;
      }
      if (least === at) return;
      this.#swap(at, least);
      at = least;
    }
  }

  #before(a: number, b: number): boolean {
    const left = this.#heap[a] as { time: number; order: number };
    const right = this.#heap[b] as { time: number; order: number };
    return left.time < right.time || (left.time === right.time && left.order < right.order);
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    [heap[a], heap[b]] = [heap[b] as (typeof heap)[0], heap[a] as (typeof heap)[0]];
  }
}

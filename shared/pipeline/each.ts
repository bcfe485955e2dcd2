/**
 * Does a work for some things, `width` at a time and at most `most` of them; begins no more once `isOver`, or after an
 * error. All of it has ended when this ends; then the first error is thrown.
 */
export async function each<T>(
  things: AsyncIterable<T> | Iterable<T>,
  {
    width,
    most = Number.POSITIVE_INFINITY,
    isOver = () => false,
  }: { readonly width: number; readonly most?: number; readonly isOver?: () => boolean },
  work: (thing: T) => Promise<void>,
): Promise<void> {
  let begun = 0;
  const atWork = new Set<Promise<void>>();
  const errors: unknown[] = [];
  try {
    for await (const thing of things) {
      if (begun++ === most || isOver() || errors.length > 0) break;
      const one = work(thing)
        .catch((error: unknown) => void errors.push(error))
        .finally(() => atWork.delete(one));
      atWork.add(one);
      if (atWork.size === width) await Promise.race(atWork);
    }
  } catch (error) {
    errors.push(error);
  }
  await Promise.all(atWork);
  if (errors.length > 0) throw errors[0];
}

/**
 * Does work while nobody else of this process does any; false, and nothing is done, while somebody does. A data
 * directory has one owner, so there is no other process to be kept out.
 */
export function oneAtATime(): (seconds: number, work: () => Promise<void>) => Promise<boolean> {
  let isTaken = false;
  return async (_seconds, work) => {
    if (isTaken) return false;
    isTaken = true;
    try {
      await work();
    } finally {
      isTaken = false;
    }
    return true;
  };
}

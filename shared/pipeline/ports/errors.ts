/* What goes wrong with the world, as adapters throw it. */

/** A broken or busy world: a throttle, an outage, a timeout. Thrown by adapters with its cause; trying again may help. */
export class Unavailable extends Error {
  override readonly name = 'Unavailable';
}

/** An answer that takes longer than its asker may wait: it is on its way, and asking again finds it. */
export class StillRunning extends Unavailable {}

/** A statement that reads, or takes, more than it may: about fewer days it may go through. Thrown by engines. */
export class TooMuch extends Error {
  override readonly name = 'TooMuch';
}

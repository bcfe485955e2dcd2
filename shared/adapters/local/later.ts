import type { Clock, Later, Notice } from '../../pipeline/ports';

/** Notices that are to come again, for as long as this process lives; at its start the inbox is looked through anyway. */
export class Waiting implements Later {
  private open: { readonly work: Notice; readonly at: number }[] = [];

  constructor(private readonly clock: Clock) {}

  async again(work: Notice, seconds: number): Promise<void> {
    this.open.push({ work, at: this.clock.now().getTime() + seconds * 1000 });
  }

  /** Takes the notices whose time has come. */
  due(): Notice[] {
    const now = this.clock.now().getTime();
    const due = this.open.filter(({ at }) => at <= now);
    this.open = this.open.filter(({ at }) => at > now);
    return due.map(({ work }) => work);
  }
}

/**
 * Opens a client once and shares it, with later invocations of the same
 * execution environment and with calls at the same time. Keep the instance at
 * the top of a module, never inside a handler.
 */
export class SharedClient<T> {
  private pending: Promise<T> | undefined;

  constructor(private readonly open: () => Promise<T>) {}

  async get(): Promise<T> {
    if (this.pending === undefined) {
      this.pending = this.open();
    }
    const current = this.pending;
    try {
      return await current;
    } catch (error) {
      // The next call tries again
      if (this.pending === current) {
        this.pending = undefined;
      }
      throw error;
    }
  }

  /** After a lost connection: the next call opens another. */
  reset(): void {
    this.pending = undefined;
  }
}

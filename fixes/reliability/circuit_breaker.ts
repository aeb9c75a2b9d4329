export interface CircuitBreakerOptions {
  /** Failures in a row that open the circuit. */
  failureThreshold?: number;
  /** How long the circuit stays open before one call may try again. */
  resetAfterMs?: number;
  /** The clock, for tests. */
  now?: () => number;
}

/** A call was not made: what it would have called has just failed too often. */
export class CircuitOpenError extends Error {
  constructor(readonly retryAfterMs: number) {
    super('circuit is open');
    this.name = 'CircuitOpenError';
  }
}

/**
 * Stops calling what fails: `await breaker.run(() => client.send(command))`.
 * Keep one for each thing that is called, at the top of a module. Each execution
 * environment of the function has a circuit of its own.
 */
export class CircuitBreaker {
  private failures = 0;
  private openedAt: number | undefined;
  private trying = false;
  private readonly failureThreshold: number;
  private readonly resetAfterMs: number;
  private readonly now: () => number;

  constructor(options: CircuitBreakerOptions = {}) {
    this.failureThreshold = options.failureThreshold ?? 5;
    this.resetAfterMs = options.resetAfterMs ?? 30000;
    this.now = options.now ?? (() => Date.now());
  }

  get state(): 'closed' | 'open' | 'half-open' {
    if (this.openedAt === undefined) {
      return 'closed';
    }
    const waited = this.now() - this.openedAt;
    return waited >= this.resetAfterMs ? 'half-open' : 'open';
  }

  async run<T>(call: () => Promise<T>): Promise<T> {
    const state = this.state;
    if (state === 'open' || (state === 'half-open' && this.trying)) {
      const waited = this.now() - (this.openedAt ?? this.now());
      throw new CircuitOpenError(Math.max(0, this.resetAfterMs - waited));
    }
    if (state === 'half-open') {
      this.trying = true;
    }
    try {
      const result = await call();
      this.failures = 0;
      this.openedAt = undefined;
      return result;
    } catch (error) {
      this.failures += 1;
      if (state === 'half-open' || this.failures >= this.failureThreshold) {
        this.openedAt = this.now();
      }
      throw error;
    } finally {
      if (state === 'half-open') {
        this.trying = false;
      }
    }
  }
}

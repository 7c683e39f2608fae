/** What a server counts, for Prometheus. */

import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { WorkQueue } from './work-queue.ts';

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests: Counter<'status'>;
  readonly #tokens: Counter<'kind'>;
  readonly #firstToken: Histogram;
  readonly #seconds: Histogram;

  constructor(queue: WorkQueue) {
    const registers = [this.#registry];
    const buckets = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    this.#requests = new Counter({
      name: 'calm_requests_total',
      help: 'Completion requests by the HTTP status of their answer.',
      labelNames: ['status'],
      registers,
    });
    this.#tokens = new Counter({
      name: 'calm_tokens_total',
      help: 'Tokens of prompts, and tokens that were made.',
      labelNames: ['kind'],
      registers,
    });
    this.#firstToken = new Histogram({
      name: 'calm_seconds_to_first_token',
      help: 'From the request to its first token.',
      buckets,
      registers,
    });
    this.#seconds = new Histogram({
      name: 'calm_request_seconds',
      help: 'From the request to the end of its answer.',
      buckets,
      registers,
    });
    new Gauge({
      name: 'calm_requests_running',
      help: 'Requests that are worked on.',
      registers,
      collect() {
        this.set(queue.running);
      },
    });
    new Gauge({
      name: 'calm_requests_waiting',
      help: 'Requests that wait for a place.',
      registers,
      collect() {
        this.set(queue.waiting);
      },
    });
  }

  answered(status: number, seconds: number): void {
    this.#requests.inc({ status: String(status) });
    this.#seconds.observe(seconds);
  }

  began(seconds: number): void {
    this.#firstToken.observe(seconds);
  }

  made(promptTokens: number, completionTokens: number): void {
    this.#tokens.inc({ kind: 'prompt' }, promptTokens);
    this.#tokens.inc({ kind: 'completion' }, completionTokens);
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }
}

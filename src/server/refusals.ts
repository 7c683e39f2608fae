/** Errors as OpenAI's clients read them. */

import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { z } from 'zod';
import { CalmError, messageOf } from '../errors.ts';
import type { Ending } from './ending.ts';
import { QueueFull } from './work-queue.ts';

/** The statuses that an error is answered with; 499, as others count clients that have gone. */
export type Status = 400 | 401 | 403 | 404 | 413 | 429 | 499 | 500 | 503 | 504;

export function refuse(c: Context, status: Status, message: string, param: string | null = null): Response {
  return c.json(errorDocument(message, status, param), status as ContentfulStatusCode);
}

export function errorDocument(message: string, code: Status, param: string | null = null) {
  const type = code === 401 ? 'authentication_error' : code < 500 ? 'invalid_request_error' : 'server_error';
  return { error: { message, type, param, code } };
}

/** What a client is told of an error. */
export interface Failure {
  readonly status: Status;
  readonly message: string;
}

export function failureOf(error: unknown, { reason }: Ending, timeoutMs: number): Failure {
  if (error instanceof QueueFull)
    return { status: 429, message: 'Too many requests wait already; ask again in a second.' };
  if (reason === 'late') return { status: 504, message: `It took longer than ${timeoutMs / 1000} s.` };
  if (reason === 'gone') return { status: 499, message: 'The client has gone.' };
  if (reason === 'stopped') return { status: 503, message: 'The server stops.' };
  if (!(error instanceof CalmError)) return { status: 500, message: DEFECT };
  return { status: 400, message: `${messageOf(error)}${error.hint ? ` ${error.hint}` : ''}` };
}

/** What a defect says stays on the server. */
export const DEFECT = 'The server failed; its own output says why.';

export function firstProblem(error: z.ZodError): [message: string, param: string | null] {
  const [issue] = error.issues;
  const path = issue?.path.join('.') ?? '';
  return [`${path || 'The request'}: ${issue?.message ?? 'is wrong'}`, path || null];
}

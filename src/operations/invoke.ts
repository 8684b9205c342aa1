import { type Outcome, refuse, StoreFailure } from '../errors.js';
import type { Log } from '../log.js';
import { describeIssues } from './describe-issues.js';
import type { Call, Operation } from './operation.js';

/**
 * Calls an operation by its tool's name with input that nobody has looked at yet, for whichever client.
 * Never rejects: a handler that throws is a bug unless the store failed, is logged, and answers `internal_error`.
 *
 * @returns what the operation answers; `unknown_tool`; `invalid_arguments` with `details.fields`; `store_unavailable`.
 */
export async function invoke(
  operations: readonly Operation[],
  tool: string,
  input: unknown,
  call: Call,
  log: Log,
): Promise<Outcome<unknown>> {
  const operation = operations.find((candidate) => candidate.tool === tool);
  if (operation === undefined) return refuse('unknown_tool');
  const done = call.house.begin();
  const startedAt = performance.now();
  try {
    const outcome = await validateAndHandle(operation, input, call);
    const milliseconds = Math.round(performance.now() - startedAt);
    log.info({ tool, outcome: outcome.ok ? 'ok' : outcome.fault.code, milliseconds }, 'call');
    return outcome;
  } catch (error) {
    log.error({ tool, err: error }, 'an operation threw');
    if (error instanceof StoreFailure) return refuse('store_unavailable', { message: error.message });
    return refuse('internal_error');
  } finally {
    done();
  }
}

async function validateAndHandle(
  operation: Operation,
  input: unknown,
  call: Call,
): Promise<Outcome<unknown>> {
  const parsed = operation.input.safeParse(input ?? {});
  if (parsed.success) return operation.handle(parsed.data, call);
  return refuse('invalid_arguments', {
    details: { fields: describeIssues(operation.input, input ?? {}, parsed.error.issues) },
  });
}

import {
  CLIENT_CAPABILITIES_META_KEY,
  type JSONRPCErrorResponse,
  type JSONRPCMessage,
  type JSONRPCNotification,
  type JSONRPCRequest,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { stateUri } from './job-uri.js';
import { invalidParams, type RpcError } from './rpc-error.js';
import type { Caller } from './service.js';
import { declaresTasks, type JobTasks, tasksNotDeclared } from './tasks.js';

/** Tasks that one request may listen for: each is told of at once, with its result if it has one. */
const MAXIMUM_TASKS = 100;

const listenRequest = z.looseObject({
  jsonrpc: z.literal('2.0'),
  id: z.union([z.string(), z.number()]),
  method: z.literal('subscriptions/listen'),
  params: z.looseObject({
    _meta: z.looseObject({}).optional(),
    notifications: z.looseObject({ resourceSubscriptions: z.array(z.string()).default([]) }),
  }),
});
const taskIdList = z.array(z.string()).max(MAXIMUM_TASKS);

/** A `subscriptions/listen` that names tasks, as the SDK serves it: that knows resources, and no tasks. */
export interface TaskListening {
  /** What the SDK is asked in its stead: to tell of the resources of the tasks' jobs. */
  request: JSONRPCRequest;
  /** What the client is sent for a message of the SDK's; to be called for one after the other. */
  translate(message: JSONRPCMessage): Promise<JSONRPCMessage[]>;
}

/**
 * Looks whether a message asks to be told of tasks, as
 * https://modelcontextprotocol.github.io/ext-tasks/specification/2026-07-28/tasks.html has it; null if it does not.
 * The client hears of its own tasks alone: of each once at the beginning, so that it misses nothing that has happened
 * since it got the task, and then with each transition.
 */
export function listenForTasks(
  message: unknown,
  tasks: JobTasks,
  caller: Caller,
): TaskListening | { refusal: JSONRPCErrorResponse } | null {
  const asked = listenRequest.safeParse(message);
  if (!asked.success || asked.data.params.notifications.taskIds === undefined) return null;
  const { id, params } = asked.data;
  const { taskIds: named, resourceSubscriptions: resources, ...others } = params.notifications;
  if (!declaresTasks(params._meta?.[CLIENT_CAPABILITIES_META_KEY])) return refuse(id, tasksNotDeclared());
  const taskIds = taskIdList.safeParse(named);
  if (!taskIds.success) {
    return refuse(id, invalidParams(`taskIds has to be a list of ${MAXIMUM_TASKS} strings at most.`));
  }
  const resourceSubscriptions = [...resources, ...taskIds.data.map(stateUri)];
  return {
    request: { ...asked.data, params: { ...params, notifications: { ...others, resourceSubscriptions } } },
    translate: translator(new Set(taskIds.data), resources, tasks, caller),
  };
}

const refuse = (id: string | number, { code, message, data }: RpcError) => ({
  refusal: { jsonrpc: '2.0' as const, id, error: { code, message, data } },
});

function translator(
  taskIds: ReadonlySet<string>,
  resources: readonly string[],
  tasks: JobTasks,
  caller: Caller,
): TaskListening['translate'] {
  /** Of the tasks that were named, the client's own, by the resource that changes with them. */
  const agreed = new Map<string, string>();

  async function acknowledge(message: JSONRPCNotification): Promise<JSONRPCMessage[]> {
    const states: JSONRPCMessage[] = [];
    for (const taskId of taskIds) {
      const state = await stateOf(taskId, message);
      if (state === null) continue;
      agreed.set(stateUri(taskId), taskId);
      states.push(state);
    }
    const { resourceSubscriptions: _, ...others } = (message.params?.notifications ?? {}) as object & {
      resourceSubscriptions?: string[];
    };
    const notifications = {
      ...others,
      ...(resources.length === 0 ? {} : { resourceSubscriptions: resources }),
      taskIds: [...agreed.values()],
    };
    return [{ ...message, params: { ...message.params, notifications } }, ...states];
  }

  /** `_meta` of the SDK's notification says which listening it belongs to. */
  async function stateOf(taskId: string, { params }: JSONRPCNotification): Promise<JSONRPCMessage | null> {
    const task = await tasks.findOwn(taskId, caller);
    if (task === null) return null;
    return { jsonrpc: '2.0', method: 'notifications/tasks', params: { ...task, _meta: params?._meta } };
  }

  async function update(message: JSONRPCNotification): Promise<JSONRPCMessage[]> {
    const uri = String(message.params?.uri);
    const taskId = agreed.get(uri);
    const state = taskId === undefined ? null : await stateOf(taskId, message);
    return [...(resources.includes(uri) ? [message] : []), ...(state === null ? [] : [state])];
  }

  return async (message) => {
    if (!('method' in message) || 'id' in message) return [message];
    switch (message.method) {
      case 'notifications/subscriptions/acknowledged':
        return acknowledge(message);
      case 'notifications/resources/updated':
        return update(message);
      default:
        return [message];
    }
  };
}

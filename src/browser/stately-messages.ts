/** As far as it is read here; src/inspect/stately.ts makes them. */
export interface Message {
  type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  /** The actor that it is about. */
  sessionId: string;
  snapshot?: unknown;
}

const MOST_ACTORS = 2_000;
const MOST_NEWS = 20_000;

/**
 * Keeps what an inspector has to be told that is loaded late: every actor, and what happened to it last. Of an actor
 * whose first news are too many to keep, the beginning is how it was after them.
 */
export function keepMessages() {
  const actors = new Map<string, Message>();
  const news: Message[] = [];

  function meet(actor: Message): void {
    actors.set(actor.sessionId, actor);
    const [oldest] = actors.keys();
    if (actors.size > MOST_ACTORS && oldest !== undefined) actors.delete(oldest);
  }

  function add(message: Message): void {
    news.push(message);
    const oldest = news.length > MOST_NEWS ? news.shift() : undefined;
    const actor = actors.get(oldest?.sessionId ?? '');
    if (oldest?.snapshot !== undefined && actor !== undefined) actor.snapshot = oldest.snapshot;
  }

  return {
    keep: (message: Message) => (message.type === '@xstate.actor' ? meet : add)(message),
    all: () => [...actors.values(), ...news.filter(({ sessionId }) => actors.has(sessionId))],
    clear(): void {
      actors.clear();
      news.length = 0;
    },
  };
}

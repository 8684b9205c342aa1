import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Has a response closed with its connection. Node does that for the response whose turn it is, and not for one to a
 * request that was sent before the last was answered: what it holds would never be given back.
 */
export function closeWithConnection({ socket }: IncomingMessage, response: ServerResponse): void {
  if (response.socket !== null) return;
  const gone = () => {
    if (!response.closed) response.destroy().emit('close');
  };
  // As many as the client has sent.
  socket.setMaxListeners(0).once('close', gone);
  response.once('close', () => socket.off('close', gone));
}

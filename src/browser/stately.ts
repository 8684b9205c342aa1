import { takeToken } from './session.js';
import { keepMessages, type Message } from './stately-messages.js';

/**
 * Shows Stately's inspector in a frame and hands on to it what the daemon sends. The inspector says when it is
 * ready (`@statelyai.connected`), and again whenever it is loaded anew; what came before is kept for it.
 */
const INSPECTOR = 'https://stately.ai';
const INSPECTOR_PAGE = `${INSPECTOR}/inspect`;
const RETRY_MS = 1_000;

const frame = document.getElementById('inspector') as HTMLIFrameElement;
const state = document.getElementById('state') as HTMLElement;
const kept = keepMessages();
let ready = false;

const hand = (message: Message) => frame.contentWindow?.postMessage(message, INSPECTOR);

window.addEventListener('message', ({ origin, source, data }) => {
  if (origin !== INSPECTOR || source !== frame.contentWindow || data?.type !== '@statelyai.connected') return;
  ready = true;
  state.hidden = true;
  for (const message of kept.all()) hand(message);
});
// Loaded only now: it says once that it is there, and nothing may be missed.
frame.src = INSPECTOR_PAGE;

function connect(): void {
  const address = new URL('/inspect', location.href.replace(/^http/, 'ws'));
  address.searchParams.set('token', takeToken() ?? '');
  const socket = new WebSocket(address);
  socket.onopen = () => {
    // An inspector that was there before does not say so again.
    state.hidden = ready;
    state.textContent = "Connected; waiting for Stately's inspector, which needs the internet.";
  };
  socket.onmessage = ({ data }) => {
    const message: Message = JSON.parse(data);
    kept.keep(message);
    if (ready) hand(message);
  };
  socket.onclose = () => {
    state.hidden = false;
    state.textContent = 'The daemon is not there. Run `offshoot inspect` again if this stays.';
    kept.clear();
    setTimeout(connect, RETRY_MS);
  };
}

connect();

import { takeToken } from './session.js';

/**
 * Shows Stately's inspector in a frame and hands on to it what the daemon sends. The inspector says when it is
 * ready (`@statelyai.connected`), and again whenever it is loaded anew; what came before is kept for it.
 */
const INSPECTOR = 'https://stately.ai';
const INSPECTOR_PAGE = `${INSPECTOR}/inspect`;
const MOST_KEPT = 20_000;
const RETRY_MS = 1_000;

const frame = document.getElementById('inspector') as HTMLIFrameElement;
const state = document.getElementById('state') as HTMLElement;
const kept: unknown[] = [];
let ready = false;

const hand = (message: unknown) => frame.contentWindow?.postMessage(message, INSPECTOR);

window.addEventListener('message', ({ origin, source, data }) => {
  if (origin !== INSPECTOR || source !== frame.contentWindow || data?.type !== '@statelyai.connected') return;
  ready = true;
  state.hidden = true;
  for (const message of kept) hand(message);
});
// Loaded only now: it says once that it is there, and nothing may be missed.
frame.src = INSPECTOR_PAGE;

function connect(): void {
  const address = new URL('/inspect', location.href.replace(/^http/, 'ws'));
  address.searchParams.set('token', takeToken() ?? '');
  const socket = new WebSocket(address);
  socket.onopen = () => {
    state.textContent = "Connected; waiting for Stately's inspector, which needs the internet.";
  };
  socket.onmessage = ({ data }) => {
    const message: unknown = JSON.parse(data);
    kept.push(message);
    if (kept.length > MOST_KEPT) kept.shift();
    if (ready) hand(message);
  };
  socket.onclose = () => {
    state.hidden = false;
    state.textContent = 'The daemon is not there. Run `offshoot inspect` again if this stays.';
    kept.length = 0;
    setTimeout(connect, RETRY_MS);
  };
}

connect();

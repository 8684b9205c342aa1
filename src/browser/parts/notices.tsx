export function NoTokenNotice() {
  return (
    <main class="notice">
      <h1>This page needs a token</h1>
      <p>
        Run <code>offshoot ui</code> and open the address that it prints. The token in it opens this page for
        one tab.
      </p>
    </main>
  );
}

export function Lost({ everConnected }: { everConnected: boolean }) {
  return (
    <div class="lost" role="alert">
      <strong>The daemon is not there.</strong>{' '}
      {everConnected
        ? 'What you see is what was last known. Agents that run go on without it; the page connects again by itself.'
        : 'The page connects as soon as it is.'}{' '}
      If this stays, run <code>offshoot ui</code>.
    </div>
  );
}

import { useState } from 'preact/hooks';
import { count } from '../format.js';
import { pathTo, type Route } from '../route.js';
import { useSwarm } from '../swarm.js';
import { applyTheme, currentTheme, themes } from '../theme.js';

const words = { connecting: 'connecting', connected: 'live', lost: 'not connected', 'no token': 'no token' };

export function Header({ route }: { route: Route }) {
  const { link, counts, opening } = useSwarm();
  const here = (view: string) => (route.view === view ? { 'aria-current': 'page' as const } : {});
  return (
    <header>
      <a class="brand" href={pathTo('')} aria-label="Offshoot: the swarm">
        <img src="/icon.svg" alt="" width={24} height={24} />
        Offshoot
      </a>
      <nav aria-label="Views">
        <a href={pathTo('')} {...here('')}>
          Swarm
        </a>
        <a href={pathTo('chart')} {...here('chart')}>
          Chart
        </a>
      </nav>
      <span class="spacer" />
      <span class="brief" title={opening === null ? '' : `Offshoot ${opening.version}`}>
        {count(counts.running)} running · {count(counts.queued)} queued
      </span>
      <span class={`link ${link.replace(' ', '-')}`} role="status">
        {words[link]}
      </span>
      <ThemeButton />
    </header>
  );
}

const themeSigns = { auto: '◐', light: '☀', dark: '☾' };

function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme);
  const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'auto';
  const choose = () => {
    applyTheme(next);
    setTheme(next);
  };
  return (
    <button type="button" class="quiet" onClick={choose} aria-label={`Colours: ${theme}. Change to ${next}`}>
      <span aria-hidden="true">{themeSigns[theme]}</span>
    </button>
  );
}

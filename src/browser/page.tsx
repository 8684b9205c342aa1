import { render } from 'preact';
import { Header } from './parts/header.js';
import { Lost, NoTokenNotice } from './parts/notices.js';
import { useRoute } from './route.js';
import { takeToken } from './session.js';
import { followSwarm, useSwarm } from './swarm.js';
import { applyTheme } from './theme.js';
import { ChartView } from './views/chart-view.js';
import { Compare } from './views/compare.js';
import { Job } from './views/job.js';
import { Swarm } from './views/swarm-view.js';

function Page() {
  const { link, opening } = useSwarm();
  const route = useRoute();
  if (link === 'no token') return <NoTokenNotice />;
  return (
    <>
      <button type="button" class="skip" onClick={toMain}>
        Skip to the content
      </button>
      <Header route={route} />
      {link === 'lost' && <Lost everConnected={opening !== null} />}
      <main id="main" tabIndex={-1}>
        {opening === null ? (
          <p class="empty">{link === 'lost' ? '' : 'Connecting to the daemon…'}</p>
        ) : (
          <View {...route} />
        )}
      </main>
    </>
  );
}

function View({ view, ids }: ReturnType<typeof useRoute>) {
  const [id] = ids;
  if (view === 'job' && id !== undefined) return <Job key={id} id={id} />;
  if (view === 'compare' && ids.length > 0) return <Compare key={ids.join()} ids={ids} />;
  if (view === 'chart') return <ChartView />;
  return <Swarm />;
}

/** No link: the address holds the route. */
function toMain(): void {
  document.getElementById('main')?.focus();
}

takeToken();
applyTheme();
void followSwarm();
const root = document.getElementById('page');
if (root !== null) render(<Page />, root);

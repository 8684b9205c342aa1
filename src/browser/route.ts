import { useEffect, useState } from 'preact/hooks';

/** Which view the address names: `#/`, `#/chart`, `#/job/ID`, `#/compare/ID/ID`. */
export interface Route {
  view: string;
  ids: readonly string[];
}

function readRoute(): Route {
  const [view = '', ...ids] = location.hash.replace(/^#\/?/, '').split('/');
  return { view, ids: ids.filter((id) => /^[0-9a-f]{32}$/.test(id)) };
}

export const pathTo = (view: string, ...ids: readonly string[]): string => `#/${[view, ...ids].join('/')}`;

export function go(path: string): void {
  location.hash = path;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(readRoute);
  useEffect(() => {
    const read = () => {
      setRoute(readRoute());
      scrollTo(0, 0);
    };
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}

import { useEffect, useState } from 'preact/hooks';

const wideEnough = matchMedia('(min-width: 860px)');

/** Whether there is room for a chart from left to right. */
export function useWide(): boolean {
  const [wide, setWide] = useState(wideEnough.matches);
  useEffect(() => {
    const look = () => setWide(wideEnough.matches);
    wideEnough.addEventListener('change', look);
    return () => wideEnough.removeEventListener('change', look);
  }, []);
  return wide;
}

import { useEffect, useRef } from 'preact/hooks';

/** Listens to the window for as long as the component is there, always with its newest callback. */
export function useListener<Name extends keyof WindowEventMap>(
  name: Name,
  callback: (event: WindowEventMap[Name]) => void,
): void {
  const newest = useRef(callback);
  newest.current = callback;
  useEffect(() => {
    const listener = (event: WindowEventMap[Name]) => newest.current(event);
    addEventListener(name, listener);
    return () => removeEventListener(name, listener);
  }, [name]);
}

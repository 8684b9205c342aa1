/** Sets a value, as the latest of a map that holds at most so many: the one set longest ago goes. */
export function keepAtMost<Value>(most: number, map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > most) map.delete(map.keys().next().value ?? key);
}

/** Counts what is begun and not yet ended. */
export interface CallsUnderWay {
  /** One more, until the returned function is called. */
  begin(): () => void;
  /** Resolves when none is under way, at the latest after this time. */
  ended(milliseconds: number): Promise<void>;
}

export function callsUnderWay(): CallsUnderWay {
  let count = 0;
  let onNone = () => {};
  return {
    begin() {
      count += 1;
      return () => {
        count -= 1;
        if (count === 0) onNone();
      };
    },
    ended(milliseconds) {
      if (count === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const impatience = setTimeout(resolve, milliseconds);
        onNone = () => {
          clearTimeout(impatience);
          resolve();
        };
      });
    },
  };
}

/** One setting of git: its full key, `section.name` or `section.subsection.name`, and its value, both as bytes in latin1. */
export interface GitSetting {
  key: string;
  value: string;
}

/** Settings in the syntax of git-config(1), in their order: of several with one key, git takes the last. */
export function renderConfig(settings: readonly GitSetting[]): Buffer {
  return Buffer.from(settings.map(renderSetting).join(''), 'latin1');
}

function renderSetting({ key, value }: GitSetting): string {
  const first = key.indexOf('.');
  const last = key.lastIndexOf('.');
  const section = key.slice(0, first);
  const subsection = first === last ? '' : ` "${key.slice(first + 1, last).replace(/["\\]/g, '\\$&')}"`;
  const quoted = value.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  return `[${section}${subsection}]\n\t${key.slice(last + 1)} = "${quoted}"\n`;
}

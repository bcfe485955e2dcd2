import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

/** A call that is wrong; said with a pointer to --help, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Errors whose message is all that their reader needs: no stack. */
const FOR_PEOPLE = new Set([
  ...['FileRefused', 'KnownOtherwise', 'Refused', 'Unreachable', 'NoCredentials', 'TokenRefused'],
  ...['DirectoryRefused', 'PortTaken', 'ApiDown', 'NoStage', 'StillUnderWay', 'NoRun', 'NoDirectory', 'BuildFailed'],
]);
const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it may not be read',
  EISDIR: 'it is a folder',
};

type Values<T extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true }>
>['values'];

/** Makes a command's main: parses options, answers --help, and says errors in one line where that is enough. */
export function command<T extends ParseArgsOptionsConfig>(
  usage: string,
  options: T,
  run: (values: Values<T>, positionals: string[]) => Promise<number>,
): (args: string[]) => Promise<number> {
  return async (args) => {
    try {
      if (args.includes('--help') || args.includes('-h')) {
        console.log(usage);
        return 0;
      }
      const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
      return await run(values as Values<T>, positionals);
    } catch (error) {
      const { name, message, code, path } = error as NodeJS.ErrnoException;
      if (name === 'UsageError' || String(code).startsWith('ERR_PARSE_ARGS')) {
        console.error(`${message}\nSee --help.`);
        return 2;
      }
      if (FOR_PEOPLE.has(name)) console.error(message);
      else if (path && code && FILE_ERRORS[code]) console.error(`${path}: ${FILE_ERRORS[code]}.`);
      else console.error(error);
      return 1;
    }
  };
}

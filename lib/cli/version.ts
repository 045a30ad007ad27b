/** Put in by the bundler, from package.json. */
declare const SJ_VERSION: string | undefined;

/** The version of the package; `unbuilt` where the sources run as they are. */
export const VERSION: string = typeof SJ_VERSION === 'string' ? SJ_VERSION : 'unbuilt';

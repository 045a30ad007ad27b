/** How often a property is tried: a tenth of what it deserves in `npm test`, all of it in `npm run test:all`. */
export const runs = (all: number): number => (process.env.SJ_TEST === 'all' ? all : Math.max(20, Math.ceil(all / 10)));

import { expect, test } from 'vitest';
import { failure } from '../../../../lib/xmpp/sasl/failure.ts';

test.each([
  ['not-authorized', 77],
  ['credentials-expired', 77],
  ['account-disabled', 77],
  ['invalid-authzid', 77],
  ['temporary-auth-failure', 111],
  ['invalid-mechanism', 76],
  ['mechanism-too-weak', 76],
  ['encryption-required', 76],
  ['malformed-request', 76],
  ['incorrect-encoding', 76],
  ['aborted', 76],
  ['constructor', 76],
  ['something-new', 76],
])('%s ends with %i', (condition, exit) => {
  const error = failure(condition);
  expect(error.code).toBe('failure');
  expect(error.exit).toBe(exit);
  expect(error.message).toMatch(new RegExp(`^[^\\n]+ \\(${condition}\\)$`));
});

test('what the server says is added, and cut', () => {
  expect(failure('not-authorized', ' Call the office. ').message).toMatch(/ \(not-authorized\): Call the office\.$/);
  expect(failure('not-authorized', '  ').message).toMatch(/ \(not-authorized\)$/);
  expect(failure('x'.repeat(9999), 'y'.repeat(9999)).message.length).toBeLessThan(400);
});

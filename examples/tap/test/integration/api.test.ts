// Needs a deployed stack: API_URL=https://… npm run test:integration
const url = process.env.API_URL;

(url ? describe : describe.skip)('the deployed API', () => {
  test('is healthy', async () => {
    const response = await fetch(new URL('health', url));
    expect(response.status).toBe(200);
  });
});

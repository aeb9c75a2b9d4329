import { handler } from '../../lib/app/src';

const get = (path: string) => handler({ httpMethod: 'GET', path });

describe('handler', () => {
  test('is healthy', async () => {
    const response = await get('/health');
    expect(response.statusCode).toBe(200);
    expect(JSON.parse(response.body)).toMatchObject({ status: 'healthy' });
  });

  test('greets by name', async () => {
    const response = await get('/hello/Ada%20L.');
    expect(JSON.parse(response.body)).toEqual({ message: 'Hello, Ada L.!' });
  });

  test('knows only its own paths', async () => {
    expect((await get('/hello')).statusCode).toBe(404);
  });

  test('answers with an error when a path cannot be decoded', async () => {
    const error = jest.spyOn(console, 'error').mockImplementation();
    expect((await get('/hello/%E0%A4%A')).statusCode).toBe(500);
    expect(error).toHaveBeenCalledWith(expect.stringContaining('[ERROR]'));
  });
});

import { json, Request, Response, Router } from './router';

// All of Node.js that the application needs, so that it builds without its types
declare const process: { env: Record<string, string | undefined> };
declare const console: { error(message: string): void };

const router = new Router();

router.get('/', () => ({
  service: 'tap',
  environment: process.env.NODE_ENV ?? 'unknown',
}));

router.get('/health', () => ({
  status: 'healthy',
  timestamp: new Date().toISOString(),
}));

router.get('/hello/:name', ({ name }) => ({ message: `Hello, ${name}!` }));

export async function handler(request: Request): Promise<Response> {
  try {
    return await router.handle(request);
  } catch (error) {
    console.error(`[ERROR] ${request.httpMethod} ${request.path}: ${error}`);
    return json(500, { message: 'Internal server error' });
  }
}

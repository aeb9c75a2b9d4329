/** The part of an API Gateway proxy event that the application reads. */
export interface Request {
  httpMethod: string;
  path: string;
  queryStringParameters?: Record<string, string> | null;
}

export interface Response {
  statusCode: number;
  headers: Record<string, string>;
  body: string;
}

export type Params = Record<string, string>;
export type Route = (params: Params, request: Request) => unknown;

interface Entry {
  method: string;
  segments: string[];
  route: Route;
}

export function json(statusCode: number, value: unknown): Response {
  return {
    statusCode,
    headers: {
      'Content-Type': 'application/json',
      // The API answers preflight requests itself, the function all others
      'Access-Control-Allow-Origin': '*',
    },
    body: JSON.stringify(value),
  };
}

/** Finds the function for a path such as `/hello/:name`. */
export class Router {
  private readonly entries: Entry[] = [];

  get(path: string, route: Route): this {
    this.entries.push({ method: 'GET', segments: split(path), route });
    return this;
  }

  async handle(request: Request): Promise<Response> {
    const segments = split(request.path);

    for (const entry of this.entries) {
      const params = match(entry.segments, segments);
      if (params && entry.method === request.httpMethod) {
        return json(200, await entry.route(params, request));
      }
    }
    return json(404, { message: 'Not found' });
  }
}

function split(path: string): string[] {
  return path.split('/').filter(segment => segment !== '');
}

function match(pattern: string[], segments: string[]): Params | undefined {
  if (pattern.length !== segments.length) {
    return undefined;
  }
  const params: Params = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith(':')) {
      params[part.slice(1)] = decodeURIComponent(segments[index]);
    } else if (part !== segments[index]) {
      return undefined;
    }
  }
  return params;
}

const https = require('https');
const crypto = require('crypto');
const hash = (text) => crypto.createHash('sha256').update(text).digest('hex');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();
// Signature Version 4, with the credentials of the canary's role
const sign = (url, env) => {
  const time = new Date().toISOString().replace(/[:-]|[.][0-9]+/g, '');
  const scope = [time.slice(0, 8), env.AWS_REGION, 'execute-api', 'aws4_request'];
  const headers = { host: url.host, 'x-amz-date': time, 'x-amz-security-token': env.AWS_SESSION_TOKEN };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => name + ':' + value);
  const request = ['GET', url.pathname, '', ...lines, '', names, hash('')].join('\n');
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), hash(request)].join('\n');
  const key = scope.reduce((key, part) => hmac(key, part), 'AWS4' + env.AWS_SECRET_ACCESS_KEY);
  headers.authorization = 'AWS4-HMAC-SHA256 Credential=' + env.AWS_ACCESS_KEY_ID + '/' + scope.join('/') +
    ', SignedHeaders=' + names + ', Signature=' + hmac(key, text).toString('hex');
  return headers;
};
exports.handler = () => new Promise((resolve, reject) => {
  const url = new URL(process.env.HEALTH_URL);
  const request = https.get(url, { headers: sign(url, process.env), timeout: 10000 }, (response) => {
    response.resume();
    if (response.statusCode === 200) resolve();
    else reject(new Error('status ' + response.statusCode));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));
  request.on('error', reject);
});

const https = require('https');
exports.handler = () => new Promise((resolve, reject) => {
  const request = https.get(process.env.HEALTH_URL, { timeout: 10000 }, (response) => {
    response.resume();
    if (response.statusCode === 200) resolve();
    else reject(new Error('status ' + response.statusCode));
  });
  request.on('timeout', () => request.destroy(new Error('no answer in 10 s')));
  request.on('error', reject);
});

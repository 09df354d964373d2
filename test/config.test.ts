import t from 'tap'
import { checkReach, isLoopback, parseConfig, upstreams, variableNames } from '../src/config.ts'

t.test('with nothing said, it is a gateway of this machine alone', async t => {
  t.match(parseConfig({}), {
    host: '127.0.0.1',
    port: 8642,
    keys: [],
    anonymous: false,
    documents: 'public',
    settings: upstreams,
    llm: { nodes: [], registrars: [] },
    limits: { bodyBytesMax: 16 * 1024 * 1024, redisMs: 50 },
  })
  t.not(parseConfig({}).limits, parseConfig({}).limits, 'each its own')
})

t.test('the environment beats the file', async t => {
  const file = {
    port: 1000,
    publicUrl: 'https://file.example',
    anonymous: true,
    keys: [
      { id: 'default', key: 'from the file' },
      { id: 'ann', key: 'of ann' },
    ],
    settings: { ARXIV_URL: 'https://file.example', OWN: 'x' },
    limits: { redisMs: 20 },
  }
  const env = {
    PORT: '2000',
    PUBLIC_URL: 'https://env.example:443',
    TOOLGATE_ANONYMOUS: '0',
    TOOLGATE_KEY: 'from the environment',
    ARXIV_URL: 'http://10.0.0.1/arxiv',
    TOOLGATE_ALLOWED_HOSTS: 'a:1, b:2,',
    TOOLGATE_FILES: '',
    TOOLGATE_MCP_SEARCH: 'on',
  }
  const before = structuredClone(file)
  const config = parseConfig(env, file)
  t.match(config, {
    port: 2000,
    publicUrl: 'https://env.example',
    anonymous: false,
    keys: [
      { id: 'default', key: 'from the environment' },
      { id: 'ann', key: 'of ann' },
    ],
    allowedHosts: ['a:1', 'b:2'],
    mcpSearch: true,
    files: '.toolgate/files',
    limits: { redisMs: 20, fileTtlMs: 86_400_000 },
  })
  t.match(config.settings, { ARXIV_URL: 'http://10.0.0.1/arxiv', OWN: 'x' })
  t.equal(config.keys.length, 2)
  t.same(file, before, 'and leaves the file as it is')
})

t.test('secrets stay out of the file', async t => {
  const file = {
    keys: [{ id: 'ann', key: '${ANN_KEY}' }],
    settings: { URL: 'https://${HOST_A}/x' },
  }
  const config = parseConfig({ ANN_KEY: 'secret', HOST_A: 'a.example' }, file)
  t.equal(config.keys[0]?.key, 'secret')
  t.equal(config.settings['URL'], 'https://a.example/x')
  t.throws(() => parseConfig({}, file), { message: /names \$\{ANN_KEY\}, which is not set/ })
})

t.test('LMDEPLOY_URL lists nodes, and its key goes to them alone', async t => {
  const file = { llm: { nodes: [{ url: 'http://other:1' }, { url: 'http://a:23333', weight: 2 }] } }
  const env = { LMDEPLOY_URL: 'http://a:23333, http://b:23333', LMDEPLOY_API_KEY: 'secret' }
  t.same(parseConfig(env, file).llm.nodes, [
    { url: 'http://other:1' },
    { url: 'http://a:23333', weight: 2 },
    { url: 'http://b:23333', key: 'secret' },
  ])
  t.same(parseConfig({ LMDEPLOY_API_KEY: 'secret' }, file).llm.nodes, file.llm.nodes)
})

t.test('what is wrong is said by its name', async t => {
  const files: [unknown, RegExp][] = [
    [{ prot: 1 }, /^unknown configuration key "prot": did you mean "port"\?$/],
    [
      { limits: { redisMS: 1 } },
      /^unknown configuration key "limits.redisMS": did you mean "redisMs"\?$/,
    ],
    [{ llm: { node: [] } }, /^unknown configuration key "llm.node"$/],
    [{ keys: [{ id: 'a', key: 'x', scope: 1 }] }, /^unknown configuration key "keys.0.scope"$/],
    [JSON.parse('{"__proto__":{"port":1}}'), /^unknown configuration key "__proto__"/],
    [{ port: '80' }, /^port: must be integer$/],
    [{ port: 70_000 }, /^port: must be <= 65535$/],
    [{ limits: 5 }, /^limits: must be object$/],
    [{ settings: 'x' }, /^settings: must be object$/],
    [{ settings: { A: 1 } }, /^settings.A: must be string$/],
    [{ documents: 'closed' }, /^documents: must be one of public, key$/],
    [{ logLevel: 'loud' }, /^logLevel: must be one of trace, .*silent$/],
    [
      {
        keys: [
          { id: 'a', key: 'x' },
          { id: 'a', key: 'y' },
        ],
      },
      /^keys: two have the id "a"$/,
    ],
    [{ keys: [{ id: 'a', key: '' }] }, /^keys.0.key: /],
    [{ keys: [{ id: 'a' }] }, /^keys: "a" must have either "key" or "hash"$/],
    [{ keys: [{ id: 'a', key: 'k', expiresAt: 'soon' }] }, /^keys: "a" has an "expiresAt"/],
    [{ keys: [{ id: 'a', key: 'k', limits: { rate: 'often' } }] }, /^keys.0.limits.rate: /],
    [
      { llm: { nodes: [{ url: 'localhost:23333' }] } },
      /^LMDEPLOY_URL: must be an http or https URL/,
    ],
    [
      { settings: { ARXIV_URL: 'ftp://a' } },
      /^ARXIV_URL: must be an http or https URL, not "ftp:\/\/a"$/,
    ],
    [{ port: 'x', host: 1 }, /\n/],
    [[], /must be an object/],
    ['port: 1', /must be an object/],
    [null, /must be an object/],
  ]
  for (const [file, message] of files)
    t.throws(() => parseConfig({}, file), { message }, JSON.stringify(file))

  const envs: [Record<string, string>, RegExp][] = [
    [{ PORT: '80a' }, /^PORT: must be a whole number, not "80a"$/],
    [{ PORT: '-1' }, /^PORT: /],
    [{ TOOLGATE_AGENTLEGO_PORT: 'no' }, /^TOOLGATE_AGENTLEGO_PORT: /],
    [{ TOOLGATE_ANONYMOUS: 'ture' }, /^TOOLGATE_ANONYMOUS: must be 1 or 0, not "ture"$/],
    [{ TOOLGATE_DOCUMENTS: 'x' }, /^documents: /],
    [{ LMDEPLOY_URL: 'gpu1' }, /^LMDEPLOY_URL: must be an http or https URL, not "gpu1"$/],
    [{ OPEN_METEO_FORECAST_URL: 'not a url' }, /^OPEN_METEO_FORECAST_URL: /],
  ]
  for (const [env, message] of envs)
    t.throws(() => parseConfig(env), { message }, JSON.stringify(env))
})

t.test('PUBLIC_URL is an origin', async t => {
  for (const url of [
    'http://a',
    'https://tools.example.org',
    'http://[::1]:8642',
    'HTTPS://A.example',
  ])
    t.equal(parseConfig({ PUBLIC_URL: url }).publicUrl, new URL(url).origin)
  for (const url of [
    'tools.example.org',
    'https://a/',
    'https://a/path',
    'https://a?x=1',
    'https://a#x',
    'https://user@a',
    'https://:key@a',
    'ftp://a',
    '/',
  ])
    t.throws(
      () => parseConfig({ PUBLIC_URL: url }),
      { message: /^PUBLIC_URL: must be an origin/ },
      url,
    )
})

t.test('off loopback nothing listens without a key, unless that is wanted', async t => {
  for (const HOST of ['0.0.0.0', '::', '192.168.1.2', 'gateway.example', '127.0.0.1.example']) {
    const message = /reachable from other machines: set TOOLGATE_KEY/
    t.throws(() => checkReach(parseConfig({ HOST }), false), { message }, HOST)
    checkReach(parseConfig({ HOST }), true)
    checkReach(parseConfig({ HOST, TOOLGATE_ANONYMOUS: '1' }), false)
  }
  for (const HOST of ['127.0.0.1', '127.1.2.3', 'localhost', 'LOCALHOST', '::1']) {
    checkReach(parseConfig({ HOST }), false)
    t.ok(isLoopback(HOST))
  }
})

t.test('the AgentLego face has a port, none, or the usual one', async t => {
  t.equal(parseConfig({}).agentlegoPort, undefined)
  t.equal(parseConfig({ TOOLGATE_AGENTLEGO_PORT: '16181' }).agentlegoPort, 16181)
  t.equal(parseConfig({ TOOLGATE_AGENTLEGO_PORT: 'off' }).agentlegoPort, false)
  t.equal(parseConfig({}, { agentlegoPort: false }).agentlegoPort, false)
})

t.test('every variable is named for the manual', async t => {
  for (const name of [
    'HOST',
    'REDIS_URL',
    'LMDEPLOY_URL',
    'LMDEPLOY_API_KEY',
    'QWEATHER_HOST',
    'TOOLGATE_KEY',
  ])
    t.ok(variableNames.includes(name), name)
  t.equal(new Set(variableNames).size, variableNames.length)
})

import t from 'tap'
import { cacheStatus, readCacheControl } from '../../../src/gateway/http/cache-headers.ts'
import type { CacheControl, CacheReport } from '../../../src/registry/call.ts'

t.test('reads what a caller says of the cache', async t => {
  const headers: [string | undefined, CacheControl][] = [
    [undefined, {}],
    ['', {}],
    ['no-cache', { noCache: true }],
    ['No-Store', { noStore: true }],
    ['max-age=60', { maxAgeMs: 60_000 }],
    ['max-age=0', { maxAgeMs: 0, noCache: true }],
    ['only-if-cached, max-age=5', { onlyIfCached: true, maxAgeMs: 5_000 }],
    ['max-age=-1', {}],
    ['max-age=soon', {}],
    ['max-age', {}],
    ['private, must-revalidate, x=1', {}],
    [' no-cache ,, no-store', { noCache: true, noStore: true }],
  ]
  for (const [header, control] of headers)
    t.same(readCacheControl(header), control, header ?? 'none')
})

t.test('says what the cache did in the words of RFC 9211', async t => {
  const reports: [CacheReport, string][] = [
    [{ hit: 'l1', ageMs: 4_000, ttlMs: 6_000 }, 'toolgate; hit; ttl=6; detail=l1'],
    [{ hit: 'redis', ttlMs: 400 }, 'toolgate; hit; ttl=0; detail=redis'],
    [{ hit: 'stale', ttlMs: -400 }, 'toolgate; hit; ttl=0; detail=stale'],
    [{ hit: 'stale', ttlMs: -2_000 }, 'toolgate; hit; ttl=-2; detail=stale'],
    [{ forward: 'miss', stored: true, ttlMs: 10_000 }, 'toolgate; fwd=miss; stored; ttl=10'],
    [{ forward: 'miss', stored: true, collapsed: true }, 'toolgate; fwd=miss; stored; collapsed'],
    [{ forward: 'bypass' }, 'toolgate; fwd=bypass'],
    [{ forward: 'stale' }, 'toolgate; fwd=stale'],
  ]
  for (const [report, text] of reports) t.equal(cacheStatus(report), text)
})

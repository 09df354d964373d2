import type { RedisOptions as AllOptions } from 'ioredis'

/** Of the options of ioredis those that a constructor takes from anybody. */
export type RedisOptions = Omit<AllOptions, 'replyMapping'>

const sentinelUrl =
  /^redis(s?)\+sentinel:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/?#]+)\/([^/?#]+)(?:\/(\d+))?(?:\?(.*))?$/i
const port = 26_379

/**
 * Where Redis is: `redis://…`, `rediss://…`, the path of a socket, or
 * `redis+sentinel://user:password@host:26379,host2:26379/NAME/DB?sentinelPassword=…`, which asks
 * Sentinels for the primary NAME and follows it. Throws an Error for a Sentinel address that is none.
 */
export function redisPlace(url: string): string | RedisOptions {
  if (!/^rediss?\+sentinel:/i.test(url)) return url
  const [, tls, user = '', password, hosts = '', name = '', db = '0', query = ''] =
    sentinelUrl.exec(url) ?? []
  const sentinels = hosts.split(',').map(addressOf)
  if (!name || sentinels.includes(undefined))
    throw new Error('REDIS_URL: must be redis+sentinel://host:26379,host2:26379/NAME')
  const sentinelPassword = new URLSearchParams(query).get('sentinelPassword')
  return {
    sentinels: sentinels.filter(one => one !== undefined),
    name: decodeURIComponent(name),
    db: Number(db),
    ...(user ? { username: decodeURIComponent(user) } : {}),
    ...(password ? { password: decodeURIComponent(password) } : {}),
    ...(sentinelPassword ? { sentinelPassword } : {}),
    ...(tls ? { tls: {}, enableTLSForSentinelMode: true } : {}),
  }
}

function addressOf(text: string): { host: string; port: number } | undefined {
  const [, host, given] = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/i.exec(text) ?? []
  return host === undefined
    ? undefined
    : { host: host.replace(/^\[|\]$/g, ''), port: Number(given ?? port) }
}

/** The same without what is secret in it, to name it by. */
export const redisName = (url: string): string =>
  url.replace(/\/\/[^@/]*@/, '//').replace(/\?.*$/, '')

/** What only a server that is no primary any more says; the connection has to be made anew. */
export const isDemoted = ({ message }: Error): boolean => /READONLY|MASTERDOWN/.test(message)

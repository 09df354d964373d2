import type { ViewOptions } from './view.ts'

/** The media type of an API catalog, with the profile that RFC 9727 names. */
export const apiCatalogType =
  'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'

/** `/.well-known/api-catalog` (RFC 9727): where everything that describes this gateway is. */
export const apiCatalog = ({ origin }: ViewOptions) => ({
  linkset: [
    {
      anchor: `${origin}/`,
      'service-desc': ['openapi.json', 'openapi/full.json'].map(path => ({
        href: `${origin}/${path}`,
        type: 'application/vnd.oai.openapi+json;version=3.1',
      })),
      'service-doc': [{ href: `${origin}/docs`, type: 'text/html' }],
      'service-meta': ['registry', 'utcp', 'v0.1/servers'].map(path => ({
        href: `${origin}/${path}`,
        type: 'application/json',
      })),
      status: [{ href: `${origin}/health/ready`, type: 'application/json' }],
    },
  ],
})

import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  LOG_LEVEL_META_KEY,
  PROTOCOL_VERSION_META_KEY,
  SERVER_INFO_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server'
import t from 'tap'
import { legacyVersions, metaKeys } from '../../../src/gateway/mcp/protocol.ts'

t.test('what is stated of the protocol is what the SDK says', async t => {
  t.same([...legacyVersions], SUPPORTED_PROTOCOL_VERSIONS)
  t.same(metaKeys, {
    clientCapabilities: CLIENT_CAPABILITIES_META_KEY,
    clientInfo: CLIENT_INFO_META_KEY,
    logLevel: LOG_LEVEL_META_KEY,
    protocolVersion: PROTOCOL_VERSION_META_KEY,
    serverInfo: SERVER_INFO_META_KEY,
  })
})

import type { FastifyBaseLogger, FastifyInstance } from 'fastify'

/** The port of a real `agentlego-server`, which may be running beside us. */
export const agentLegoPort = 16_180

/**
 * Opens the port of the AgentLego face. A port that was asked for and is taken is an error of the
 * start; the usual one, asked for by nobody, is then only done without. Undefined when not opened.
 */
export async function listenAgentLego(
  app: FastifyInstance,
  options: { host: string; port: number | undefined; log: FastifyBaseLogger },
): Promise<string | undefined> {
  const { host, port, log } = options
  try {
    return await app.listen({ host, port: port ?? agentLegoPort })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (port !== undefined || code !== 'EADDRINUSE') throw error
    log.warn(
      { port: agentLegoPort },
      'the port of the AgentLego face is taken: going on without it; set TOOLGATE_AGENTLEGO_PORT to another or to off',
    )
    await app.close()
    return undefined
  }
}

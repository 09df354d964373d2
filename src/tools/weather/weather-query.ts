import type { Alias, JsonObject } from '../../registry/tool.ts'
import { beaufort, windFrom } from './conditions.ts'
import type { NowOutput } from './shapes.ts'

/** The weather tool of the InternLM course, whose agents call it so and read these ten lines. */
export const weatherQuery: Alias = {
  name: 'WeatherQuery',
  description: '查询一个城市此刻的天气：温度、体感、风、湿度、降水、气压和能见度。',
  input: {
    type: 'object',
    properties: { query: { type: 'string', description: 'The city, e.g. 上海' } },
    required: ['query'],
    additionalProperties: false,
  },
  arguments: ({ query }) => ({ place: query, language: 'zh' }),
  text: tenLines,
}

/** A value that is not known is said to be so: the lines stay ten. */
function tenLines(output: JsonObject): string {
  const now = output as NowOutput
  const { wind_degrees: degrees, wind_kmh: kmh } = now
  const or = (value: number | string | undefined, unit = ''): string =>
    value === undefined ? '未知' : `${value}${unit}`
  return [
    `数据观测时间: ${now.time}`,
    `温度: ${now.celsius}°C`,
    `体感温度: ${or(now.feels_like_celsius, '°C')}`,
    `天气: ${now.condition}`,
    `风向: ${degrees === undefined ? '未知' : windFrom(degrees, 'zh')}，角度为 ${or(degrees, '°')}`,
    `风力等级: ${kmh === undefined ? '未知' : beaufort(kmh)}，风速为 ${or(kmh, ' km/h')}`,
    `相对湿度: ${or(now.humidity_percent)}`,
    `当前小时累计降水量: ${or(now.precipitation_mm, ' mm')}`,
    `大气压强: ${or(now.pressure_hpa, ' 百帕')}`,
    `能见度: ${or(now.visibility_km, ' km')}`,
  ].join('\n')
}

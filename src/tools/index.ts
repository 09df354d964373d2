import type { Tool } from '../registry/tool.ts'
import arxivPaper from './arxiv-paper.ts'
import arxivSearch from './arxiv-search.ts'
import calculator from './calculator.ts'
import detectObjects from './detect-objects.ts'
import ocr from './ocr.ts'
import weatherForecast from './weather-forecast.ts'
import weatherHistory from './weather-history.ts'
import weatherNow from './weather-now.ts'

/** Every built-in tool, in plain sight. */
export const tools: readonly Tool[] = [
  arxivPaper,
  arxivSearch,
  calculator,
  detectObjects,
  ocr,
  weatherForecast,
  weatherHistory,
  weatherNow,
]

import { openMeteo } from './open-meteo.ts'

const shanghai = {
  place: 'Shanghai',
  country: 'China',
  latitude: 31.22222,
  longitude: 121.45806,
} as const

/** What weather_now gives. */
export const nowExamples = [
  {
    title: 'By name',
    input: { place: 'Shanghai' },
    output: {
      ...shanghai,
      time: '2026-11-24T18:00+08:00',
      celsius: 14.2,
      feels_like_celsius: 13.1,
      humidity_percent: 71,
      wind_kmh: 11.4,
      wind_degrees: 135,
      precipitation_mm: 0,
      pressure_hpa: 1021.4,
      visibility_km: 24.1,
      condition: 'partly cloudy',
      ...openMeteo,
    },
  },
  {
    title: '按坐标，中文',
    input: { place: '31.2,121.5', language: 'zh' as const },
    output: {
      place: '31.2, 121.5',
      latitude: 31.2,
      longitude: 121.5,
      time: '2026-11-24T18:00+08:00',
      celsius: 14.2,
      feels_like_celsius: 13.1,
      humidity_percent: 71,
      wind_kmh: 11.4,
      wind_degrees: 135,
      precipitation_mm: 0,
      pressure_hpa: 1021.4,
      visibility_km: 24.1,
      condition: '多云',
      ...openMeteo,
    },
  },
]

/** What weather_forecast gives. */
export const forecastExamples = [
  {
    title: '两天，中文',
    input: { place: '上海', days: 2 },
    output: {
      place: '上海',
      country: '中国',
      latitude: 31.22222,
      longitude: 121.45806,
      days: [
        {
          date: '2026-11-24',
          min_celsius: 9.8,
          max_celsius: 15.3,
          precipitation_mm: 0,
          precipitation_percent: 5,
          wind_kmh: 14.8,
          sunrise: '2026-11-24T06:30+08:00',
          sunset: '2026-11-24T16:53+08:00',
          condition: '多云',
        },
        {
          date: '2026-11-25',
          min_celsius: 10.4,
          max_celsius: 13.7,
          precipitation_mm: 6.2,
          precipitation_percent: 80,
          wind_kmh: 21.6,
          sunrise: '2026-11-25T06:31+08:00',
          sunset: '2026-11-25T16:53+08:00',
          condition: '小雨',
        },
      ],
      ...openMeteo,
    },
  },
]

/** What weather_history gives. */
export const historyExamples = [
  {
    title: 'Two days of May',
    input: { place: 'Shanghai', start_date: '2024-05-01', end_date: '2024-05-02' },
    output: {
      ...shanghai,
      days: [
        {
          date: '2024-05-01',
          min_celsius: 15.1,
          max_celsius: 19.6,
          precipitation_mm: 1.3,
          wind_kmh: 17.2,
          sunrise: '2024-05-01T05:09+08:00',
          sunset: '2024-05-01T18:33+08:00',
          condition: 'light drizzle',
        },
        {
          date: '2024-05-02',
          min_celsius: 14.4,
          max_celsius: 22.5,
          precipitation_mm: 0,
          wind_kmh: 13.9,
          sunrise: '2024-05-02T05:08+08:00',
          sunset: '2024-05-02T18:34+08:00',
          condition: 'overcast',
        },
      ],
      ...openMeteo,
      attribution: `${openMeteo.attribution}; past days: ERA5, Copernicus`,
    },
  },
]

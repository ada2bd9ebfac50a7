/** Stands for `performance.now`: the same clock, without the milliseconds that Node takes to load `performance`. */
export const millisecondsSinceStart = () => process.uptime() * 1000

/** Whether these bytes stand at this place. */
export function isAt(data: Buffer, at: number, mark: Buffer): boolean {
  for (let index = 0; index < mark.length; index++) {
    if (data[at + index] !== mark[index]) return false;
  }
  return true;
}

export function isAnyAt(data: Buffer, at: number, marks: readonly Buffer[]): boolean {
  for (const mark of marks) {
    if (isAt(data, at, mark)) return true;
  }
  return false;
}

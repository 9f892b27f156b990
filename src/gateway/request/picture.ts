/** Width times height of a picture, as its file says; undefined when it is none of PNG, JPEG, GIF and WebP. */
export function pixelsOf(base64: string): number | undefined {
  // Decoders skip other characters, each in its own way: an engine could see another picture than this function.
  if (!isBase64(base64)) return undefined;
  const head = Buffer.from(base64.slice(0, HEAD_CHARACTERS), 'base64');
  if (head.length < HEAD_BYTES) return undefined;
  if (head.readUInt32BE(0) === PNG) return head.readUInt32BE(16) * head.readUInt32BE(20);
  const magic = head.toString('latin1', 0, 4);
  if (magic === 'GIF8') return head.readUInt16LE(6) * head.readUInt16LE(8);
  if (magic === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') return pixelsOfWebp(head);
  // The size of a JPEG stands behind whatever the camera wrote first.
  return head.readUInt16BE(0) === JPEG ? pixelsOfJpeg(Buffer.from(base64, 'base64')) : undefined;
}

const HEAD_BYTES = 30;
const HEAD_CHARACTERS = (HEAD_BYTES / 3) * 4;
const PNG = 0x89504e47;
const JPEG = 0xffd8;

/** One search for what is none takes half the time of a pattern for the whole, on megabytes. */
function isBase64(text: string): boolean {
  const end = text.search(/[^A-Za-z0-9+/]/);
  if (end < 0) return true;
  const rest = text.length - end;
  return rest <= 2 && text.endsWith('='.repeat(rest));
}

/** https://developers.google.com/speed/webp/docs/riff_container */
function pixelsOfWebp(head: Buffer): number | undefined {
  switch (head.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return (head.readUInt16LE(26) & 0x3fff) * (head.readUInt16LE(28) & 0x3fff);
    case 'VP8L': {
      const bits = head.readUInt32LE(21);
      return ((bits & 0x3fff) + 1) * (((bits >>> 14) & 0x3fff) + 1);
    }
    case 'VP8X':
      return (head.readUIntLE(24, 3) + 1) * (head.readUIntLE(27, 3) + 1);
    default:
      return undefined;
  }
}

/** Walks the segments to the frame header: https://www.w3.org/Graphics/JPEG/itu-t81.pdf, B.1 and B.2.2. */
function pixelsOfJpeg(file: Buffer): number | undefined {
  for (let at = 2; at + 9 <= file.length; ) {
    if (file[at] !== 0xff) return undefined;
    const marker = file[at + 1] ?? 0;
    // Any number of fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    if (isFrameHeader(marker)) return file.readUInt16BE(at + 5) * file.readUInt16BE(at + 7);
    at += 2 + file.readUInt16BE(at + 2);
  }
  return undefined;
}

/** SOF0 to SOF15, without the three other markers of that range: DHT, JPG and DAC. */
function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

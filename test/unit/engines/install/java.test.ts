import { describe, expect, it } from 'vitest';
import { chooseJdk, majorOfReleaseFile, parseJavaMajor } from '../../../../engines/install/java.ts';

describe('finding a JDK', () => {
  it.each([
    ['17.0.15', 17],
    ['"25.0.3"', 25],
    ['1.8.0_402', 8],
    ['24-ea', 24],
    ['21', 21],
    ['unknown', undefined],
  ])('reads the major version of %s', (version, major) => {
    expect(parseJavaMajor(version)).toBe(major);
  });

  it('reads the major version from the release file of a JDK', () => {
    expect(
      majorOfReleaseFile('IMPLEMENTOR="X"\nJAVA_VERSION="25.0.3"\nJAVA_VERSION_DATE="2026-04-21"\n'),
    ).toBe(25);
    expect(majorOfReleaseFile('IMPLEMENTOR="X"\n')).toBeUndefined();
  });

  it('prefers JAVA_HOME and PATH, otherwise takes the oldest JDK that is new enough', () => {
    const jdk = (major: number) => ({ home: `/jdk-${major}`, major });
    expect(chooseJdk([jdk(25)], [jdk(17)], 17)?.major).toBe(25);
    expect(chooseJdk([jdk(17)], [jdk(26), jdk(24), jdk(11)], 24)?.major).toBe(24);
    expect(chooseJdk([jdk(17)], [jdk(11)], 24)).toBeUndefined();
  });
});

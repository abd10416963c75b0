/** The Python for libraries that only Python has. */
export const pythonOf = ({ PEFD_PYTHON }: Readonly<Record<string, string | undefined>>): string =>
  PEFD_PYTHON || "python3";

/** How to get a package that a Python does not have. */
export const pipHint = (python: string, name: string): string =>
  `Type: ${python} -m pip install ${name} (PEFD_PYTHON names another Python)`;

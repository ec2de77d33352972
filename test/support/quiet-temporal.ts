// Imported, because a set-up file is evaluated again for each test file of a process, and what it imports is not.
import './quiet-runtime.ts';

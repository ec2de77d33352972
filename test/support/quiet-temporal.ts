// A separate module: a set-up file is evaluated again for each test file of a process, but its imports are not.
import './quiet-runtime.ts';

#!/usr/bin/env node
import { podAddress } from '../gateway/engines/pods.ts';
import { operatorProgram } from './program.ts';

await operatorProgram(process, podAddress);

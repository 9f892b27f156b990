import { customResourceDefinitions } from '../api/crd.ts';
import { DASHBOARDS } from '../monitoring/dashboards/all.ts';
import { grafanaDashboard } from '../monitoring/dashboards/grafana.ts';
import { rulesFile } from '../monitoring/rules-file.ts';
import { CLASSROOM_DEFAULTS, classroomValuesSchema } from './classroom-values.ts';
import { crdTemplate } from './crd-template.ts';
import { gpuClassroomValues } from './gpu-classroom-values.ts';
import { neededValuesTemplate } from './needed-values-template.ts';
import { rulesTemplate } from './rules-template.ts';
import { valuesFile } from './values-file.ts';
import { valuesTable } from './values-reference.ts';
import { valuesSchema, valuesSchemaFile } from './values-schema.ts';

interface ChartFile {
  /** Relative to the root of the repository. */
  path: string;
  render: () => string;
}

/** A table of the values of each chart, for its README. */
export const CHART_TABLES = {
  gpuClassroom: () => valuesTable(valuesSchema(gpuClassroomValues)),
  classroom: () => valuesTable(classroomValuesSchema()),
} as const;

/** The generated files of the charts. */
export function chartFiles(): ChartFile[] {
  return [...installationFiles('charts/gpu-classroom'), ...classFiles('charts/classroom')];
}

function classFiles(chart: string): ChartFile[] {
  return [
    { path: `${chart}/values.yaml`, render: () => valuesFile(classroomValuesSchema(), CLASSROOM_DEFAULTS) },
    { path: `${chart}/values.schema.json`, render: () => valuesSchemaFile(classroomValuesSchema()) },
  ];
}

function installationFiles(chart: string): ChartFile[] {
  return [
    {
      path: `${chart}/values.yaml`,
      render: () => valuesFile(valuesSchema(gpuClassroomValues), gpuClassroomValues.parse({})),
    },
    { path: `${chart}/values.schema.json`, render: () => valuesSchemaFile(valuesSchema(gpuClassroomValues)) },
    {
      path: `${chart}/templates/_needed-values.tpl`,
      render: () => neededValuesTemplate('gpu-classroom.neededValues', valuesSchema(gpuClassroomValues)),
    },
    { path: `${chart}/templates/_rules.tpl`, render: rulesTemplate },
    ...customResourceDefinitions().map((crd) => ({
      path: `${chart}/templates/crds/${crd.spec.names.plural}.yaml`,
      render: () => crdTemplate(crd),
    })),
    { path: `${chart}/files/alerts.yaml`, render: rulesFile },
    ...DASHBOARDS.map((dashboard) => ({
      path: `${chart}/files/dashboards/${dashboard.name}.json`,
      render: () => grafanaDashboard(dashboard),
    })),
  ];
}
